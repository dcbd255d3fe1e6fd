"""Folders of files, unpacked or in an archive, seen alike; and what reading them passes over."""
