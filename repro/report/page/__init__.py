"""The page and its entries."""
