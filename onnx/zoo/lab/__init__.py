"""The lab that trains, quantises, exports and checks the demo zoo (see README.md)."""
