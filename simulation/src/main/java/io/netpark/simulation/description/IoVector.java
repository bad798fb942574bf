package io.netpark.simulation.description;

import io.netpark.core.linux.IoVec;
import io.netpark.core.linux.Linux;
import java.nio.ByteBuffer;

/** The memory of one read or write, in one part or in many, and how far it has been filled or emptied. */
public final class IoVector {

    private final ByteBuffer[] parts;
    private int at;

    private IoVector(ByteBuffer... parts) {
        this.parts = parts;
    }

    /** One part of the program's memory. */
    public static IoVector at(long address, long length) {
        return new IoVector(UserMemory.at(address, length));
    }

    /**
     * The parts that {@code count} entries of {@link IoVec} name.
     *
     * @param tooMany how it fails if there are more than IOV_MAX
     */
    public static IoVector scattered(long iovec, long count, int tooMany) {
        if (count < 0 || count > Linux.IOV_MAX) {
            throw new Failure(tooMany);
        }
        ByteBuffer array = UserMemory.at(iovec, count * IoVec.SIZE);
        ByteBuffer[] parts = new ByteBuffer[(int) count];
        for (int i = 0; i < parts.length; i++) {
            parts[i] = UserMemory.at(IoVec.address(array, 0, i), IoVec.length(array, 0, i));
        }
        return new IoVector(parts);
    }

    /** Memory inside the kernel. */
    public static IoVector of(byte[] bytes, int offset, int length) {
        return new IoVector(ByteBuffer.wrap(bytes, offset, length));
    }

    /** How many bytes it still has, or has room for. */
    public int remaining() {
        long sum = 0;
        for (int i = at; i < parts.length; i++) {
            sum += parts[i].remaining();
        }
        return (int) Math.min(sum, Linux.SENDFILE_MAX);
    }

    private ByteBuffer part() {
        while (!parts[at].hasRemaining()) {
            at++;
        }
        return parts[at];
    }

    /** Copies bytes into it, as many as there is room for; returns how many. */
    public int put(byte[] source, int offset, int length) {
        int count = Math.min(length, remaining());
        for (int done = 0; done < count; ) {
            ByteBuffer part = part();
            int some = Math.min(count - done, part.remaining());
            part.put(source, offset + done, some);
            done += some;
        }
        return count;
    }

    /** Copies bytes out of it, as many as there are; returns how many. */
    public int take(byte[] target, int offset, int length) {
        int count = Math.min(length, remaining());
        for (int done = 0; done < count; ) {
            ByteBuffer part = part();
            int some = Math.min(count - done, part.remaining());
            part.get(target, offset + done, some);
            done += some;
        }
        return count;
    }

    /** All that is left in it. */
    public byte[] takeAll() {
        byte[] bytes = new byte[remaining()];
        take(bytes, 0, bytes.length);
        return bytes;
    }
}
