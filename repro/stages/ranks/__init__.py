"""One run, trained by the two processes that torchrun started."""
