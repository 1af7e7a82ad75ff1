"""saddlegan: GANs as saddle-point problems. See README.md."""
