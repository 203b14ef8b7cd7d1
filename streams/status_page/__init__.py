"""The pages of a worker, for people: how it and the models are, a finding, and a batch's report."""
