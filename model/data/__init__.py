"""Folders of images and masks, whatever their layout, become (image, labels) batches."""
