package io.netpark.simulation.kernel;

import io.netpark.core.linux.Linux;
import io.netpark.core.linux.Statx;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Description;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.description.FileNode;
import io.netpark.simulation.description.FileTree;
import io.netpark.simulation.description.IoVector;
import io.netpark.simulation.description.PipeEnd;
import io.netpark.simulation.description.RegularFile;
import io.netpark.simulation.description.UserMemory;
import java.nio.ByteBuffer;

/** The calls on files, and from one descriptor to another inside the kernel. */
final class FileCalls {

    /** SPLICE_F_ALL: those that {@link Linux} has, and SPLICE_F_GIFT. */
    private static final int SPLICE_FLAGS = 0xf;
    private static final int CHUNK = 1 << 16;
    /** Offsets in struct statx, of which {@link Statx} reads. */
    private static final int MASK = 0;
    private static final int LINKS = 16;
    private static final int MODE = 28;
    private static final int INODE = 32;
    private static final int LENGTH = 40;
    private static final int MODIFIED_SECONDS = 112;
    private static final int MODIFIED_NANOS = 120;
    private static final int DEVICE_MINOR = 140;
    private static final int READABLE = 0644;

    private final DescriptorTable table;
    private final Waiting waiting;
    private final FileTree files;

    FileCalls(DescriptorTable table, Waiting waiting, FileTree files) {
        this.table = table;
        this.waiting = waiting;
        this.files = files;
    }

    int open(long path, int flags) {
        byte[] name = UserMemory.text(path);
        return table.open((flags & Linux.O_CLOEXEC) != 0, Errno.ENOMEM, () -> files.open(name, flags));
    }

    int read(int fd, long address, long length, long offset) {
        return table.get(fd, RegularFile.class, Errno.ESPIPE).read(IoVector.at(address, length), offset);
    }

    int unlink(long path) {
        files.unlink(UserMemory.text(path));
        return 0;
    }

    int statx(int directory, long path, int flags, long statx) {
        byte[] name = UserMemory.text(path);
        FileNode node;
        if (name.length == 0 && (flags & Linux.AT_EMPTY_PATH) != 0) {
            node = table.get(directory, RegularFile.class, Errno.EBADF).node();
        } else {
            node = files.require(name);
        }
        ByteBuffer memory = UserMemory.at(statx, Statx.SIZE);
        memory.put(0, new byte[Statx.SIZE]);
        memory.putInt(MASK, Linux.STATX_TYPE | Linux.STATX_MTIME | Linux.STATX_INO | Linux.STATX_SIZE);
        memory.putInt(LINKS, 1);
        memory.putShort(MODE, (short) (node.kind() | READABLE));
        memory.putLong(INODE, node.inode());
        memory.putLong(LENGTH, node.content().length);
        memory.putLong(MODIFIED_SECONDS, node.modified().getEpochSecond());
        memory.putInt(MODIFIED_NANOS, node.modified().getNano());
        memory.putInt(DEVICE_MINOR, 1);
        return 0;
    }

    // From one to another

    /** Moves bytes of a file, as sendfile(2) does. */
    long send(int out, int in, long offset, long count) {
        RegularFile file = table.get(in, RegularFile.class, Errno.EINVAL);
        Description target = table.get(out);
        target.requireWritable();
        ByteBuffer place = offset == 0 ? null : UserMemory.at(offset, Long.BYTES);
        long start = place == null ? file.position() : place.getLong(0);
        long left = Math.min(count, Linux.SENDFILE_MAX);
        long sum = 0;
        try {
            while (left > 0) {
                byte[] chunk = new byte[(int) Math.min(left, CHUNK)];
                int read = file.read(IoVector.of(chunk, 0, chunk.length), start + sum);
                if (read == 0) {
                    break;
                }
                IoVector from = IoVector.of(chunk, 0, read);
                int sent = waiting.all(target, from, !target.isNonBlocking(), () -> target.write(from));
                sum += sent;
                left -= sent;
                if (sent < read) {
                    break;
                }
            }
        } catch (Failure e) {
            if (sum == 0) {
                throw e;
            }
        }
        if (place == null) {
            file.position(start + sum);
        } else {
            place.putLong(0, start + sum);
        }
        return sum;
    }

    /** splice(2) into a pipe or out of one. */
    int splice(int in, long inOffset, int out, long outOffset, long length, int flags) {
        if (length == 0) {
            return 0;
        }
        if ((flags & ~SPLICE_FLAGS) != 0) {
            throw new Failure(Errno.EINVAL);
        }
        Description source = table.get(in);
        Description target = table.get(out);
        source.requireReadable();
        target.requireWritable();
        if (inOffset != 0 && !(source instanceof RegularFile) || outOffset != 0) {
            throw new Failure(Errno.ESPIPE);
        }
        boolean mayWait = (flags & Linux.SPLICE_F_NONBLOCK) == 0;
        int most = (int) Math.min(length, Linux.SENDFILE_MAX);
        if (source instanceof PipeEnd from) {
            if (target instanceof PipeEnd to && from.isOfSamePipe(to)) {
                throw new Failure(Errno.EINVAL);
            }
            return fromPipe(from, target, most, mayWait);
        }
        if (target instanceof PipeEnd to) {
            return intoPipe(source, inOffset, to, most, mayWait);
        }
        throw new Failure(Errno.EINVAL);
    }

    private int fromPipe(PipeEnd from, Description target, int most, boolean mayWait) {
        byte[] seen = waiting.value(from, mayWait && !from.isNonBlocking(), () -> from.peek(most));
        if (seen.length == 0) {
            return 0;
        }
        int moved;
        if (target instanceof PipeEnd to) {
            moved = Math.min(seen.length, waiting.until(to, mayWait && !to.isNonBlocking(), to::requireRoom));
            to.splice(seen, moved);
        } else {
            IoVector rest = IoVector.of(seen, 0, seen.length);
            moved = waiting.all(target, rest, !target.isNonBlocking(), () -> target.write(rest));
        }
        from.drop(moved);
        return moved;
    }

    private int intoPipe(Description source, long offset, PipeEnd to, int most, boolean mayWait) {
        int room = waiting.until(to, mayWait && !to.isNonBlocking(), to::requireRoom);
        byte[] chunk = new byte[Math.min(most, room)];
        IoVector into = IoVector.of(chunk, 0, chunk.length);
        int count;
        if (offset != 0 && source instanceof RegularFile file) {
            ByteBuffer place = UserMemory.at(offset, Long.BYTES);
            count = file.read(into, place.getLong(0));
            place.putLong(0, place.getLong(0) + count);
        } else {
            count = waiting.until(source, !source.isNonBlocking(), () -> source.read(into));
        }
        to.splice(chunk, count);
        return count;
    }
}
