package io.netpark.simulation.description;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;

/** A regular file that is open to be read. Its content is what it was when the file was opened. */
public final class RegularFile extends Description {

    private final FileNode node;
    private int position;

    RegularFile(FileNode node, int flags) {
        super(Linux.O_RDONLY, flags);
        this.node = node;
    }

    public FileNode node() {
        return node;
    }

    /** Where {@link #read} goes on. */
    public long position() {
        return position;
    }

    @Override
    public boolean isPollable() {
        return false;
    }

    @Override
    public int read(IoVector into) {
        int count = read(into, position);
        position += count;
        return count;
    }

    /** pread(2). */
    public int read(IoVector into, long offset) {
        if (offset < 0) {
            throw new Failure(Errno.EINVAL);
        }
        byte[] content = node.content();
        return offset >= content.length ? 0 : into.put(content, (int) offset, content.length - (int) offset);
    }

    /** Goes on from there. */
    public void position(long offset) {
        position = (int) Math.min(Integer.MAX_VALUE, offset);
    }
}
