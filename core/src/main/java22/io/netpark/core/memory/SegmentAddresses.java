package io.netpark.core.memory;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * {@link DirectBuffers.Addresses} where the JDK has a public way: a segment over the buffer knows where it is. It does
 * not outlive the call, and escape analysis removes it.
 */
final class SegmentAddresses implements DirectBuffers.Addresses {

    @Override
    public long base(ByteBuffer buffer) {
        return MemorySegment.ofBuffer(buffer).address() - buffer.position(); // a segment starts at the position
    }

    @Override
    @SuppressWarnings("restricted") // native access is what this is for
    public ByteBuffer at(long address, int length) {
        return MemorySegment.ofAddress(address).reinterpret(length).asByteBuffer();
    }
}
