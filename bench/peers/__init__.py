"""Other frameworks under the work of `bench.work`, each in an environment of its own that `make peers` makes."""
