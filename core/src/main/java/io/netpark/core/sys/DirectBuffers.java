package io.netpark.core.sys;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.nio.Buffer;
import java.nio.ByteBuffer;

/**
 * Where the bytes of a direct buffer are. The JDK offers no call for it before 22 (MemorySegment), and warns about
 * Unsafe from 24 on, so each JDK gets the way that costs it nothing.
 */
public final class DirectBuffers {

    /** {@code (ByteBuffer) long}: the address of index 0. Constant, so the JIT inlines whichever way was found. */
    private static final MethodHandle BASE = base();

    private DirectBuffers() {}

    /**
     * Address of index 0 of a direct buffer. The caller keeps the buffer reachable while the address is in use.
     *
     * @throws IllegalArgumentException if the buffer is not direct
     */
    public static long address(ByteBuffer buffer) {
        if (!buffer.isDirect()) {
            throw new IllegalArgumentException("not a direct buffer: " + buffer);
        }
        try {
            return (long) BASE.invokeExact(buffer);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static MethodHandle base() {
        try {
            return Runtime.version().feature() >= 22 ? bySegment() : byUnsafe();
        } catch (ReflectiveOperationException e) {
            try {
                return MethodHandles.lookup().findStatic(
                        DirectBuffers.class, "byJna", MethodType.methodType(long.class, ByteBuffer.class));
            } catch (ReflectiveOperationException impossible) {
                throw new AssertionError(impossible);
            }
        }
    }

    /** {@code MemorySegment.ofBuffer(b).address()} starts at the position; escape analysis removes the segment. */
    private static MethodHandle bySegment() throws ReflectiveOperationException {
        MethodHandles.Lookup lookup = MethodHandles.lookup();
        Class<?> segment = Class.forName("java.lang.foreign.MemorySegment");
        MethodHandle ofBuffer = lookup.findStatic(segment, "ofBuffer", MethodType.methodType(segment, Buffer.class));
        MethodHandle address = lookup.findVirtual(segment, "address", MethodType.methodType(long.class));
        MethodHandle atPosition = MethodHandles.filterReturnValue(ofBuffer, address);
        MethodHandle minusPosition = lookup.findStatic(
                DirectBuffers.class, "minusPosition", MethodType.methodType(long.class, long.class, ByteBuffer.class));
        return MethodHandles.foldArguments(
                minusPosition, atPosition.asType(MethodType.methodType(long.class, ByteBuffer.class)));
    }

    private static long minusPosition(long address, ByteBuffer buffer) {
        return address - buffer.position();
    }

    /** {@code Buffer.address} by its offset: an ordinary load, without a warning up to JDK 23. */
    private static MethodHandle byUnsafe() throws ReflectiveOperationException {
        Class<?> type = Class.forName("sun.misc.Unsafe");
        Field instance = type.getDeclaredField("theUnsafe");
        instance.setAccessible(true);
        Object unsafe = instance.get(null);
        MethodHandles.Lookup lookup = MethodHandles.lookup();
        long offset = (long) type.getMethod("objectFieldOffset", Field.class)
                .invoke(unsafe, Buffer.class.getDeclaredField("address"));
        MethodHandle getLong = lookup
                .findVirtual(type, "getLong", MethodType.methodType(long.class, Object.class, long.class))
                .bindTo(unsafe);
        return MethodHandles.insertArguments(getLong, 1, offset)
                .asType(MethodType.methodType(long.class, ByteBuffer.class));
    }

    @SuppressWarnings("unused") // reached by a method handle
    private static long byJna(ByteBuffer buffer) {
        return Pointer.nativeValue(Native.getDirectBufferPointer(buffer));
    }
}
