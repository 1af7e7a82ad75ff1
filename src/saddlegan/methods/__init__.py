"""One GAN variant a file, each with its YAML in conf/method."""
