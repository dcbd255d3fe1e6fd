"""A reproduction harness for AlexNet (Krizhevsky, Sutskever, Hinton, NIPS 2012) with a paper-claim test suite."""

__version__ = "0.1.0"
