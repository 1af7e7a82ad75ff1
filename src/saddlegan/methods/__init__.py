"""One GAN variant per file, each with its YAML in conf/method."""
