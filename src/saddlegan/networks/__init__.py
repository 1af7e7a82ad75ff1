"""Generator and discriminator pairs. Discriminators return raw logits."""
