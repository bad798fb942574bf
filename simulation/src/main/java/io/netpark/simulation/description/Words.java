package io.netpark.simulation.description;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** 64-bit numbers in the machine's byte order, as eventfd(2) and timerfd_create(2) have them. */
final class Words {

    private Words() {}

    static void put(IoVector into, long word) {
        byte[] bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder()).putLong(word).array();
        into.put(bytes, 0, bytes.length);
    }

    static long take(IoVector from) {
        byte[] bytes = new byte[Long.BYTES];
        from.take(bytes, 0, bytes.length);
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).getLong();
    }
}
