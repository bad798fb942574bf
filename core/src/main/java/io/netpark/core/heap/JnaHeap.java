package io.netpark.core.heap;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** {@link CHeap} by JNA. */
final class JnaHeap extends CHeap {

    private static final class C {
        static {
            Native.register(C.class, NativeLibrary.getProcess());
        }

        static native long calloc(long count, long size);
        static native void free(long address);
    }

    JnaHeap() {
        C.free(0); // links, or fails here
    }

    @Override
    long calloc(long size) {
        return C.calloc(1, size);
    }

    @Override
    void free(long address) {
        C.free(address);
    }

    @Override
    ByteBuffer buffer(long address, int size) {
        return new Pointer(address).getByteBuffer(0, size).order(ByteOrder.BIG_ENDIAN);
    }
}
