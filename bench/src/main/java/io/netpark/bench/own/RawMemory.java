package io.netpark.bench.own;

import io.netpark.core.memory.DirectBuffers;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** Memory by its address, without an object for each look: what a system call gets. */
final class RawMemory {

    private static final MethodHandle GET_INT;
    private static final MethodHandle GET_LONG;
    private static final MethodHandle PUT_INT;
    private static final MethodHandle PUT_LONG;
    private static final MethodHandle PUT_BYTE;

    static {
        try {
            Object unsafe = DirectBuffers.unsafe();
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            GET_INT = get(lookup, unsafe, "getInt", int.class);
            GET_LONG = get(lookup, unsafe, "getLong", long.class);
            PUT_INT = put(lookup, unsafe, "putInt", int.class);
            PUT_LONG = put(lookup, unsafe, "putLong", long.class);
            PUT_BYTE = put(lookup, unsafe, "putByte", byte.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private RawMemory() {}

    private static MethodHandle get(MethodHandles.Lookup lookup, Object unsafe, String name, Class<?> type)
            throws ReflectiveOperationException {
        return lookup.findVirtual(unsafe.getClass(), name, MethodType.methodType(type, long.class)).bindTo(unsafe);
    }

    private static MethodHandle put(MethodHandles.Lookup lookup, Object unsafe, String name, Class<?> type)
            throws ReflectiveOperationException {
        return lookup.findVirtual(unsafe.getClass(), name, MethodType.methodType(void.class, long.class, type)).bindTo(unsafe);
    }

    static int getInt(long address) {
        try {
            return (int) GET_INT.invokeExact(address);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long getLong(long address) {
        try {
            return (long) GET_LONG.invokeExact(address);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static void putInt(long address, int value) {
        try {
            PUT_INT.invokeExact(address, value);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static void putLong(long address, long value) {
        try {
            PUT_LONG.invokeExact(address, value);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static void put(long address, byte[] bytes, int from, int count) {
        try {
            for (int i = 0; i < count; i++) {
                PUT_BYTE.invokeExact(address + i, bytes[from + i]);
            }
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
