package io.netpark.core.net.scratch;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.linux.IoVec;
import io.netpark.core.linux.Linux;
import io.netpark.core.linux.MsgHdr;
import io.netpark.core.memory.DirectBuffers;
import java.nio.ByteBuffer;

/**
 * Several buffers as one system call sees them: an array of {@link IoVec}. Direct buffers are named where they are; heap
 * buffers share the {@link Scratch}'s bytes, and the vector ends where those are used up or after IOV_MAX entries.
 */
public final class Vector {

    private final Scratch scratch;
    private int count;
    private int copied;
    private boolean inPlace;

    /** Made once for each scratch. */
    Vector(Scratch scratch) {
        this.scratch = scratch;
    }

    /** Takes a scratch for its vector, to be given back. */
    public static Vector take() {
        return Scratch.take().vector();
    }

    /** Gives the scratch back. */
    public void giveBack() {
        scratch.giveBack();
    }

    /** How many iovecs there are. */
    public int count() {
        return count;
    }

    /** The address of the first iovec. */
    public long iovecs() {
        return scratch.address(Scratch.IOVECS);
    }

    /** The vector as the argument of sendmsg(2). */
    public long message() {
        MsgHdr.write(scratch.memory(), Scratch.MSGHDR, iovecs(), count);
        return scratch.address(Scratch.MSGHDR);
    }

    /** Names the room of buffers. Returns how many bytes the vector has room for. */
    public long fillForReading(ByteBuffer[] targets) {
        return fill(targets, false);
    }

    /** Names the bytes of buffers, {@code most} of them at most, which is more than 0. */
    public void fillForWriting(ByteBuffer[] sources, long most) {
        fill(sources, true);
        cut(most);
    }

    /** Names the first bytes of a chain, {@code most} of them at most. Bytes on the heap are copied, and make a vector of their own. */
    public void fillForWriting(LinkBuffer source, long most) {
        count = source.gather(scratch.memory(), Scratch.IOVECS, Linux.IOV_MAX);
        inPlace = count > 0;
        if (!inPlace) {
            int length = source.copyFirst(scratch.memory(), Scratch.BYTES, Scratch.CAPACITY);
            IoVec.write(scratch.memory(), Scratch.IOVECS, count++, scratch.address(Scratch.BYTES), length);
        }
        cut(most);
    }

    private void cut(long most) {
        ByteBuffer memory = scratch.memory();
        long left = most;
        for (int i = 0; i < count; i++) {
            long length = IoVec.length(memory, Scratch.IOVECS, i);
            if (length >= left) {
                IoVec.write(memory, Scratch.IOVECS, i, IoVec.address(memory, Scratch.IOVECS, i), left);
                count = i + 1;
            }
            left -= length;
        }
    }

    /** How many bytes of a chain the vector names where they are; 0 if it has copied them. */
    public long inPlace() {
        long bytes = 0;
        for (int i = 0; inPlace && i < count; i++) {
            bytes += IoVec.length(scratch.memory(), Scratch.IOVECS, i);
        }
        return bytes;
    }

    private long fill(ByteBuffer[] buffers, boolean copyIn) {
        count = 0;
        copied = 0;
        long total = 0;
        for (ByteBuffer buffer : buffers) {
            int length = buffer.remaining();
            if (length == 0) {
                continue;
            }
            if (count == Linux.IOV_MAX) {
                break;
            }
            long address;
            if (buffer.isDirect()) {
                address = DirectBuffers.address(buffer) + buffer.position();
            } else {
                length = Math.min(length, Scratch.CAPACITY - copied);
                if (length == 0) {
                    break;
                }
                address = scratch.address(Scratch.BYTES + copied);
                if (copyIn) {
                    scratch.memory().put(Scratch.BYTES + copied, buffer, buffer.position(), length);
                }
                copied += length;
            }
            IoVec.write(scratch.memory(), Scratch.IOVECS, count++, address, length);
            total += length;
            if (length < buffer.remaining()) {
                break; // what follows must not overtake the rest of this one
            }
        }
        return total;
    }

    /** Moves positions by what the kernel took. */
    public void advanceAfterWriting(ByteBuffer[] sources, long sent) {
        for (ByteBuffer source : sources) {
            int part = (int) Math.min(sent, source.remaining());
            source.position(source.position() + part);
            sent -= part;
        }
    }

    /** Moves positions by what the kernel gave, and copies what belongs on the heap. */
    public void advanceAfterReading(ByteBuffer[] targets, long read) {
        int from = Scratch.BYTES;
        for (ByteBuffer target : targets) {
            int part = (int) Math.min(read, target.remaining());
            if (!target.isDirect() && part > 0) {
                target.put(target.position(), scratch.memory(), from, part);
                from += part;
            }
            target.position(target.position() + part);
            read -= part;
        }
    }
}
