package io.netpark.simulation.poll;

import io.netpark.core.linux.EpollEvent;
import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Description;
import io.netpark.simulation.description.Failure;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An epoll instance (epoll(7)), as fs/eventpoll.c does it: an {@link Item} for each descriptor, and a list of those of which something
 * was heard. Whether one is ready is asked when it is reported.
 */
public final class Epoll extends Description {

    private static final int ELOOP = 40;
    /** The kernel's EP_MAX_NESTS. */
    private static final int NESTS = 4;

    /** An item is of a description and of the number by which it was added: duplicates are items of their own. */
    private record Key(Description description, int fd) {}

    private final Map<Key, Item> items = new HashMap<>();
    private final Set<Item> ready = new LinkedHashSet<>();

    public Epoll(int flags) {
        super(O_RDWR, 0);
        if ((flags & ~Linux.EPOLL_CLOEXEC) != 0) {
            throw new Failure(Errno.EINVAL);
        }
    }

    /** epoll_ctl(2). */
    public void control(int operation, Description description, int fd, int events, long data) {
        if (!description.isPollable()) {
            throw new Failure(Errno.EPERM);
        }
        if (description == this) {
            throw new Failure(Errno.EINVAL);
        }
        Key key = new Key(description, fd);
        Item item = items.get(key);
        switch (operation) {
            case Linux.EPOLL_CTL_ADD -> {
                if (item != null) {
                    throw new Failure(Errno.EEXIST);
                }
                requireNoCircle(description);
                items.put(key, new Item(this, description, fd, events, data));
            }
            case Linux.EPOLL_CTL_MOD -> require(item).change(events, data);
            case Linux.EPOLL_CTL_DEL -> require(item).remove();
            default -> throw new Failure(Errno.EINVAL);
        }
    }

    private static Item require(@Nullable Item item) {
        if (item == null) {
            throw new Failure(Errno.ENOENT);
        }
        return item;
    }

    private void requireNoCircle(Description description) {
        if (description instanceof Epoll other && other.depthTo(this) > NESTS) {
            throw new Failure(ELOOP);
        }
    }

    /** How deep it is nested; more than is allowed if the one that is looked for is in it. */
    private int depthTo(Epoll sought) {
        int depth = 1;
        for (Key key : items.keySet()) {
            if (key.description == sought) {
                return NESTS + 1;
            }
            if (key.description instanceof Epoll other) {
                depth = Math.max(depth, 1 + other.depthTo(sought));
            }
        }
        return depth;
    }

    void forget(Item item) {
        items.remove(new Key(item.description(), item.fd()));
        ready.remove(item);
    }

    /** Something was heard of an item. */
    void heard(Item item) {
        ready.add(item);
        waiters().wake(Linux.EPOLLIN);
    }

    /** epoll_wait(2), without waiting: reports what is ready, as many as there is room for. */
    public int collect(ByteBuffer events, int capacity) {
        int found = 0;
        for (Item item : ready.toArray(new Item[0])) {
            if (found == capacity) {
                break;
            }
            ready.remove(item);
            int readiness = item.readiness();
            if (readiness == 0) {
                continue;
            }
            EpollEvent.write(events, found++, readiness, item.data());
            if (item.reported()) {
                ready.add(item); // level-triggered: it is looked at again
            }
        }
        return found;
    }

    @Override
    public int readiness() {
        ready.removeIf(item -> item.readiness() == 0);
        return ready.isEmpty() ? 0 : Linux.EPOLLIN;
    }

    @Override
    protected void closed() {
        for (Item item : items.values().toArray(new Item[0])) {
            item.remove();
        }
    }
}
