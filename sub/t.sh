#!/bin/sh
pwd; echo $PWD
