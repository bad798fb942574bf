package io.netpark.simulation.poll;

import io.netpark.core.linux.Linux;
import io.netpark.simulation.description.Description;
import io.netpark.simulation.description.Watcher;

/** What an {@link Epoll} watches. It goes when the description is closed for good, not with the descriptor that it was added by. */
final class Item implements Watcher {

    private static final int ALWAYS = Linux.EPOLLERR | Linux.EPOLLHUP;
    /** EP_PRIVATE_BITS of fs/eventpoll.c: how it is reported, not what happens. EPOLLWAKEUP and EPOLLEXCLUSIVE are bits 29 and 28. */
    private static final int PRIVATE = Linux.EPOLLET | Linux.EPOLLONESHOT | 1 << 29 | 1 << 28;

    private final Epoll epoll;
    private final Description description;
    private final int fd;
    private int events;
    private long data;

    Item(Epoll epoll, Description description, int fd, int events, long data) {
        this.epoll = epoll;
        this.description = description;
        this.fd = fd;
        description.waiters().add(this);
        change(events, data);
    }

    Description description() {
        return description;
    }

    int fd() {
        return fd;
    }

    long data() {
        return data;
    }

    /** What it is ready for, of what was asked for. */
    int readiness() {
        return isDisabled() ? 0 : description.readiness() & events;
    }

    /** A one-shot item has been reported: it says nothing until it is changed. */
    private boolean isDisabled() {
        return (events & ~PRIVATE) == 0;
    }

    void change(int events, long data) {
        this.events = events | ALWAYS;
        this.data = data;
        if (readiness() != 0) {
            epoll.heard(this);
        }
    }

    /** Returns whether it stays among those that may be ready. */
    boolean reported() {
        if ((events & Linux.EPOLLONESHOT) != 0) {
            events &= PRIVATE;
            return false;
        }
        return (events & Linux.EPOLLET) == 0;
    }

    void remove() {
        description.waiters().remove(this);
        epoll.forget(this);
    }

    @Override
    public void notified(int happened) {
        if (!isDisabled() && (happened & events & ~PRIVATE) != 0) {
            epoll.heard(this);
        }
    }

    @Override
    public void gone() {
        epoll.forget(this);
    }
}
