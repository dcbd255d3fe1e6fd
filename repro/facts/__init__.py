"""Facts about the program itself, its nets and its recipe: what claims on definitions read."""
