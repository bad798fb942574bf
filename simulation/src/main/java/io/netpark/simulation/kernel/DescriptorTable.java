package io.netpark.simulation.kernel;

import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Description;
import io.netpark.simulation.description.Failure;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;

/** The numbers of descriptors, and what they stand for. A new one is the lowest that is free (open(2)), from 3 on. */
final class DescriptorTable {

    /** 0 to 2 are the streams of the process. */
    private static final int FIRST = 3;

    private static final class Entry {
        final Description description;
        boolean closeOnExec;

        Entry(Description description, boolean closeOnExec) {
            this.description = description;
            this.closeOnExec = closeOnExec;
        }
    }

    private final TreeMap<Integer, Entry> entries = new TreeMap<>();
    private final Limits limits;
    /** No number below is free. */
    private int lowest = FIRST;

    DescriptorTable(Limits limits) {
        this.limits = limits;
    }

    Description get(int fd) {
        return entry(fd).description;
    }

    /** The description of a number, which must be of a kind. */
    <D> D get(int fd, Class<D> kind, int otherwise) {
        Description description = get(fd);
        if (!kind.isInstance(description)) {
            throw new Failure(otherwise);
        }
        return kind.cast(description);
    }

    private Entry entry(int fd) {
        Entry entry = entries.get(fd);
        if (entry == null) {
            throw new Failure(Errno.EBADF);
        }
        return entry;
    }

    /** Makes a description and gives it a number, or makes none. */
    int open(boolean closeOnExec, int withoutMemory, Supplier<? extends Description> maker) {
        int fd = free(FIRST);
        requireFiles(1, withoutMemory);
        return put(fd, maker.get(), closeOnExec);
    }

    /** Fails if there is no place for so many descriptions more. */
    void requireFiles(int count, int withoutMemory) {
        if (!limits.hasMemory()) {
            throw new Failure(withoutMemory);
        }
        if (limits.files() < Integer.MAX_VALUE && descriptions() + count > limits.files()) {
            throw new Failure(Errno.ENFILE);
        }
    }

    private int descriptions() {
        Set<Description> different = new HashSet<>();
        entries.values().forEach(entry -> different.add(entry.description));
        return different.size();
    }

    /** Another number for a description, at least {@code least}. */
    int duplicate(Description description, int least, boolean closeOnExec) {
        if (least < 0 || least >= limits.descriptors()) {
            throw new Failure(Errno.EINVAL);
        }
        return put(free(Math.max(FIRST, least)), description, closeOnExec);
    }

    /** Fails if there are not as many numbers left. */
    void requireNumbers(int count) {
        int number = FIRST;
        for (int i = 0; i < count; i++) {
            number = free(number) + 1;
        }
    }

    int free(int least) {
        int fd = Math.max(least, lowest);
        while (entries.containsKey(fd)) {
            fd++;
        }
        if (least <= lowest) {
            lowest = fd;
        }
        if (fd >= limits.descriptors()) {
            throw new Failure(Errno.EMFILE);
        }
        return fd;
    }

    private int put(int fd, Description description, boolean closeOnExec) {
        description.acquire();
        entries.put(fd, new Entry(description, closeOnExec));
        return fd;
    }

    /** Returns 0. */
    int close(int fd) {
        Description description = entry(fd).description;
        entries.remove(fd);
        lowest = Math.min(lowest, fd);
        description.release();
        return 0;
    }

    boolean isCloseOnExec(int fd) {
        return entry(fd).closeOnExec;
    }

    void setCloseOnExec(int fd, boolean on) {
        entry(fd).closeOnExec = on;
    }

    /** The numbers that are open. */
    Collection<Integer> numbers() {
        return Set.copyOf(entries.keySet());
    }
}
