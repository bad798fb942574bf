package io.netpark.simulation.description;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * pipe(7): pages in a ring. A page is free again when all of it has been read, so what there is room for does not follow from the bytes
 * alone. Written bytes fill up the last page; spliced ones have a page of their own.
 */
public final class Pipe {

    /** A write of so much or less happens whole: PIPE_BUF of limits.h, and the size of a page. */
    private static final int PAGE = 4096;
    private static final int DEFAULT_PAGES = 16;
    /** The default of /proc/sys/fs/pipe-max-size, in pages. */
    private static final int MOST_PAGES = 256;
    private static final int EBUSY = 16;

    private static final class Page {
        final byte[] bytes;
        final boolean mayGrow;
        int start;
        int end;

        Page(boolean mayGrow) {
            this.bytes = new byte[PAGE];
            this.mayGrow = mayGrow;
        }

        int length() {
            return end - start;
        }
    }

    private final Deque<Page> pages = new ArrayDeque<>();
    private int capacity = DEFAULT_PAGES;
    private final PipeEnd output;
    private final PipeEnd input;
    private boolean hasReader = true;
    private boolean hasWriter = true;

    /** @param flags O_CLOEXEC and O_NONBLOCK */
    public Pipe(int flags) {
        if ((flags & ~(Linux.O_CLOEXEC | Linux.O_NONBLOCK)) != 0) {
            throw new Failure(Errno.EINVAL);
        }
        this.output = new PipeEnd(this, Linux.O_RDONLY, flags);
        this.input = new PipeEnd(this, Description.O_WRONLY, flags);
    }

    /** The end that is read from. */
    public PipeEnd output() {
        return output;
    }

    /** The end that is written to. */
    public PipeEnd input() {
        return input;
    }

    /** In bytes; whole pages. */
    int capacity() {
        return capacity * PAGE;
    }

    /** F_SETPIPE_SZ. Returns what it has become. */
    int resize(int bytes) {
        int wanted = bytes <= PAGE ? 1 : Integer.highestOneBit((bytes - 1) / PAGE) * 2;
        if (bytes < 0) {
            throw new Failure(Errno.EINVAL);
        }
        if (wanted > MOST_PAGES) {
            throw new Failure(Errno.EPERM);
        }
        if (wanted < pages.size()) {
            throw new Failure(EBUSY);
        }
        capacity = wanted;
        return capacity();
    }

    int readiness(PipeEnd end) {
        if (end == output) {
            return (pages.isEmpty() ? 0 : Linux.EPOLLIN) | (hasWriter ? 0 : Linux.EPOLLHUP);
        }
        return (isFull() ? 0 : Linux.EPOLLOUT) | (hasReader ? 0 : Linux.EPOLLERR);
    }

    private boolean isFull() {
        return pages.size() >= capacity;
    }

    /** Bytes that can be read. */
    int available() {
        int sum = 0;
        for (Page page : pages) {
            sum += page.length();
        }
        return sum;
    }

    /** Bytes that can be spliced into it. */
    int room() {
        return (capacity - pages.size()) * PAGE;
    }

    int read(IoVector into) {
        if (into.remaining() == 0) {
            return 0;
        }
        requireBytes();
        if (pages.isEmpty()) {
            return 0; // the end
        }
        int done = copy(into);
        drop(done);
        return done;
    }

    /** Whether there are bytes, or the end. */
    private void requireBytes() {
        if (pages.isEmpty() && hasWriter) {
            throw new Failure(Errno.EAGAIN);
        }
    }

    private int copy(IoVector into) {
        int done = 0;
        for (Page page : pages) {
            done += into.put(page.bytes, page.start, page.length());
        }
        return done;
    }

    /** A copy of the first bytes, for somebody who may not take them all; none at the end of the stream. */
    byte[] peek(int most) {
        requireBytes();
        byte[] bytes = new byte[Math.min(most, available())];
        copy(IoVector.of(bytes, 0, bytes.length));
        return bytes;
    }

    /** Takes bytes away that have been seen by {@link #peek}. */
    void drop(int count) {
        boolean wasFull = isFull();
        for (int left = count; left > 0; ) {
            Page page = pages.element();
            int some = Math.min(left, page.length());
            page.start += some;
            left -= some;
            if (page.length() == 0) {
                pages.remove();
            }
        }
        if (wasFull && !isFull()) {
            input.waiters().wake(Linux.EPOLLOUT);
        }
    }

    int write(IoVector from) {
        requireReader();
        int length = from.remaining();
        if (length == 0) {
            return 0;
        }
        int done = grow(from, length % PAGE);
        while (done < length && !isFull()) {
            done += add(from, true);
        }
        if (done == 0) {
            throw new Failure(Errno.EAGAIN);
        }
        output.waiters().wake(Linux.EPOLLIN);
        return done;
    }

    /** The odd bytes of a write go to the last page, if all of them find place there. */
    private int grow(IoVector from, int odd) {
        Page last = pages.peekLast();
        if (odd == 0 || last == null || !last.mayGrow || last.end + odd > PAGE) {
            return 0;
        }
        from.take(last.bytes, last.end, odd);
        last.end += odd;
        return odd;
    }

    private int add(IoVector from, boolean mayGrow) {
        Page page = new Page(mayGrow);
        page.end = from.take(page.bytes, 0, PAGE);
        pages.add(page);
        return page.end;
    }

    /** Adds what another descriptor had. There must be {@link #room}. */
    void splice(byte[] bytes, int length) {
        IoVector from = IoVector.of(bytes, 0, length);
        while (from.remaining() > 0) {
            add(from, false);
        }
        if (length > 0) {
            output.waiters().wake(Linux.EPOLLIN);
        }
    }

    void requireReader() {
        if (!hasReader) {
            throw new Failure(Errno.EPIPE);
        }
    }

    void closed(PipeEnd end) {
        if (end == output) {
            hasReader = false;
            input.waiters().wake(WaitQueue.ALL);
        } else {
            hasWriter = false;
            output.waiters().wake(WaitQueue.ALL);
        }
    }
}
