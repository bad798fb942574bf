package io.netpark.core.memory;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A zeroed block of memory outside the heap, with its address: where structs for system calls live. Freed by the
 * garbage collector once unreachable, so whoever passes {@link #address} to the kernel keeps the object in a field.
 */
public final class NativeMemory {

    private final ByteBuffer buffer;
    private final long address;

    private NativeMemory(ByteBuffer buffer) {
        this.buffer = buffer;
        this.address = DirectBuffers.address(buffer);
    }

    /** A block of {@code size} bytes, aligned to at least 8. */
    public static NativeMemory allocate(int size) {
        return new NativeMemory(ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder()));
    }

    /** Address of the first byte. */
    public long address() {
        return address;
    }

    /** The whole block in the machine's byte order. Shared: use absolute access, or {@code duplicate} it. */
    public ByteBuffer buffer() {
        return buffer;
    }

    /** Its size in bytes. */
    public int size() {
        return buffer.capacity();
    }
}
