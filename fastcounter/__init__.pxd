from fastcounter._counters cimport FastReadCounter, FastWriteCounter, SingleThreadCounter
from fastcounter._shared cimport SharedCounter
