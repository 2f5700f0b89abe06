from fastcounter._counters cimport FastReadCounter, FastWriteCounter, SingleThreadCounter
from fastcounter._map cimport CounterMap
from fastcounter._shared cimport SharedCounter
from fastcounter._shared_map cimport SharedCounterMap
