"""Databases' own records of their use: each read from where the last look ended, into what was run since."""
