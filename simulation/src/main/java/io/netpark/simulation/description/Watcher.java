package io.netpark.simulation.description;

/** Who waits for a {@link Description} to become ready: a thread, or an entry of an epoll instance. */
public interface Watcher {

    /**
     * Something has happened that may make it ready.
     *
     * @param events the bits of epoll that it is about, or {@link WaitQueue#ALL}
     */
    void notified(int events);

    /** The description is closed for good, and forgets the watcher. */
    default void gone() {}
}
