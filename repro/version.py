"""The program's version; a module of its own, so that whoever records it need not import the package's front."""

VERSION = "0.1.0"
