"""Crops of people for training: cut from videos and photographs, kept in folders or one LMDB file."""
