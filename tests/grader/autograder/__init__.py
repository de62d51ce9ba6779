"""The autograder: judges submissions with the tests that students run. See __main__.py."""
