package io.netpark.simulation.kernel;

import io.netpark.core.linux.MsgHdr;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.IoVector;
import io.netpark.simulation.description.UserMemory;
import java.nio.ByteBuffer;

/** {@code struct msghdr} as the kernel reads it, and what it writes to it; the layout is that of {@link MsgHdr}. */
final class MessageHeader {

    private static final int NAME = 0;
    private static final int NAME_LENGTH = 8;
    private static final int PARTS = 16;
    private static final int PART_COUNT = 24;
    private static final int CONTROL = 32;
    private static final int CONTROL_LENGTH = 40;
    private static final int FLAGS = 48;

    private final ByteBuffer memory;

    MessageHeader(long address) {
        this.memory = UserMemory.at(address, MsgHdr.SIZE);
    }

    long name() {
        return memory.getLong(NAME);
    }

    int nameLength() {
        return memory.getInt(NAME_LENGTH);
    }

    void nameLength(int length) {
        memory.putInt(NAME_LENGTH, length);
    }

    IoVector parts() {
        return IoVector.scattered(memory.getLong(PARTS), memory.getLong(PART_COUNT), Errno.EMSGSIZE);
    }

    /** The control data, or the room for it; empty if there is none. */
    ByteBuffer control() {
        long address = memory.getLong(CONTROL);
        return UserMemory.at(address, address == 0 ? 0 : memory.getLong(CONTROL_LENGTH));
    }

    void controlLength(int length) {
        memory.putLong(CONTROL_LENGTH, length);
    }

    void flags(int flags) {
        memory.putInt(FLAGS, flags);
    }
}
