"""From picture files to packed pixels."""
