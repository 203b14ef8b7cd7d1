"""What simulated traffic is made of: the fleet, its season, its inferences, their words and what people say of them."""
