"""PURE: the glossary's words as frozen values, the rules over them, and the ports. Standard library only."""
