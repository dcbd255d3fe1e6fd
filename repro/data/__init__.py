"""Pictures: recognised layouts, the procedural set, preparation, the packed store, augmentation."""
