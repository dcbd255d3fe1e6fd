"""Pictures: recognised layouts, the procedural sets, preparation, the packed store, augmentation."""
