package io.netpark.callback.poller;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * Watches descriptors of any kind that can be polled (sockets, pipes, eventfds, timerfds, ...) and calls back when they
 * are ready, on one event loop.
 *
 * <pre>{@code
 * try (CallbackPoller poller = CallbackPoller.open();
 *         TimerFd timer = OpenDescriptor.timerFd()) {
 *     poller.start(timer, Watch.READ, (descriptor, events) -> {
 *         if (!events.isPollerClosed()) {
 *             tick(timer.takeExpirations());
 *         }
 *     });
 *     timer.arm(Duration.ofSeconds(1), Duration.ofSeconds(1));
 *     Thread.currentThread().join();
 * }
 * }</pre>
 *
 * <p>Ownership: descriptors stay their owner's. The poller neither reads nor writes, nor closes them, nor changes their mode: a
 * callback that reads or writes wants a non-blocking one. The owner keeps a descriptor open while it is watched, and closes it after
 * {@link #stop}: the kernel may give the number to another file at once.
 *
 * <p>Every method may be called by any thread, also inside a callback. {@link #stop} and {@link #close} wait for a
 * callback that is running, unless they are called on the event loop: do not call them with a lock held that a
 * callback takes, nor in callbacks of two loops crosswise.
 *
 * <p>A callback that throws is reported, and its descriptor is not watched any more, as if by {@link #stop}.
 */
public final class CallbackPoller implements AutoCloseable {

    private final EventLoop loop;
    private final @Nullable EventLoopGroup owned;
    /** Guarded by itself, as is the next. */
    private final Map<OpenDescriptor, Registration> registrations = new HashMap<>();
    private boolean closed;

    private CallbackPoller(EventLoop loop, @Nullable EventLoopGroup owned) {
        this.loop = loop;
        this.owned = owned;
    }

    /**
     * A poller with an event loop of its own, which ends with it.
     *
     * @throws NetparkException if there are no descriptors or no memory for it
     * @throws UnsupportedOperationException if Netpark cannot run here
     */
    public static CallbackPoller open() throws NetparkException {
        EventLoopGroup group = EventLoopGroup.builder().loops(1).open();
        return new CallbackPoller(group.next(), group);
    }

    /** A poller on an event loop that is there already and goes on without it. */
    public static CallbackPoller on(EventLoop loop) {
        return new CallbackPoller(loop, null);
    }

    /** The event loop that runs the callbacks. */
    public EventLoop loop() {
        return loop;
    }

    /**
     * Watches a descriptor from now on; what it is ready for already is reported as well.
     *
     * @throws IllegalStateException if it is watched already, or closed
     * @throws UnsupportedOperationException if {@code watch} is edge-triggered and the event loop uses poll(2), which
     *     knows no edges
     * @throws NetparkException if it is not open, cannot be polled (a regular file; poll(2) takes even those), or a
     *     limit is reached; {@link NetparkException.Closed} if the poller is closed
     */
    public void start(OpenDescriptor descriptor, Watch watch, ReadinessHandler handler) throws NetparkException {
        Objects.requireNonNull(handler, "handler");
        requirePossible(descriptor, watch);
        Registration registration = new Registration(this, descriptor, watch, handler);
        synchronized (registrations) {
            if (closed) {
                throw new NetparkException.Closed("watch " + descriptor + ": the poller is closed");
            }
            if (registrations.containsKey(descriptor)) {
                throw watchedAlready(descriptor);
            }
            try {
                registration.register();
            } catch (NetparkException.SystemError e) {
                if (e.errno() == Errno.EEXIST) { // by somebody else on the same loop
                    throw watchedAlready(descriptor);
                }
                throw e;
            }
            registrations.put(descriptor, registration);
        }
    }

    private void requirePossible(OpenDescriptor descriptor, Watch watch) {
        if (watch.mode() == Watch.Mode.EDGE_TRIGGERED && !loop.poller().edgeTriggered()) {
            throw new UnsupportedOperationException("poll(2) cannot watch " + descriptor
                    + " edge-triggered; use level-triggered, one-shot, or a group with Poller.EPOLL");
        }
    }

    private static IllegalStateException watchedAlready(OpenDescriptor descriptor) {
        return new IllegalStateException(descriptor + " is watched already on this event loop; stop it first");
    }

    /**
     * Stops watching a descriptor. A barrier: when this has returned, its callback is not entered again. Called off the
     * event loop, it waits for the callback if that is running; called on it, the callback is running only if it is
     * the caller.
     *
     * @return false if the descriptor is not watched
     */
    public boolean stop(OpenDescriptor descriptor) {
        Registration registration;
        synchronized (registrations) {
            registration = registrations.remove(descriptor);
        }
        if (registration == null) {
            return false;
        }
        registration.stop();
        return true;
    }

    /**
     * Watches a descriptor for something else, or in another mode, from now on: as a stop and a start with the same callback, but
     * without a moment at which it is not watched, and without waiting. A callback that is entered after this has returned is told
     * of what the new watch wants, and of nothing else; one that is running goes on. What the descriptor is ready for at this moment is
     * reported, and a one-shot watch will report once, whatever has been reported before. Inside the callback or not, on any thread.
     *
     * @return false if the descriptor is not watched
     * @throws UnsupportedOperationException as {@link #start}
     * @throws NetparkException if the kernel refuses; the descriptor is watched as before
     */
    public boolean change(OpenDescriptor descriptor, Watch watch) throws NetparkException {
        requirePossible(descriptor, watch);
        synchronized (registrations) { // against a stop at the same time, after which the number may be another's
            Registration registration = registrations.get(descriptor);
            if (registration == null) {
                return false;
            }
            registration.change(watch);
            return true;
        }
    }

    /**
     * Has a {@linkplain Watch#oneShot one-shot} descriptor reported once more. Of others, what they are ready for at
     * this moment is reported again. Inside the callback or later, on any thread.
     *
     * @return false if the descriptor is not watched
     * @throws NetparkException if the kernel refuses; the descriptor is still watched and not resumed
     */
    public boolean resume(OpenDescriptor descriptor) throws NetparkException {
        synchronized (registrations) { // against a stop at the same time, after which the number may be another's
            Registration registration = registrations.get(descriptor);
            if (registration == null) {
                return false;
            }
            registration.resume();
            return true;
        }
    }

    /** The registration ended by itself; on the loop. */
    void forget(OpenDescriptor descriptor, Registration registration) {
        synchronized (registrations) {
            registrations.remove(descriptor, registration);
        }
        registration.stop();
    }

    /**
     * Stops watching everything. Each callback is told {@link Events#POLLER_CLOSED}, once and last, on the event loop;
     * that has happened when this returns, unless it was called on an event loop, where it happens later. Descriptors
     * stay open. The event loop, if it is the poller's own, ends. Can be called again.
     *
     * <p>Closing the event loop instead has the same effect.
     */
    @Override
    public void close() {
        synchronized (registrations) {
            closed = true;
        }
        CountDownLatch told = new CountDownLatch(1);
        boolean queued = loop.tryExecute(() -> {
            try {
                tellAll();
            } finally {
                told.countDown();
            }
        });
        if (queued && EventLoop.current() == null) {
            awaitUninterruptibly(told);
        }
        if (owned != null) {
            owned.close();
        }
    }

    private void tellAll() {
        List<Registration> all;
        synchronized (registrations) {
            all = List.copyOf(registrations.values());
        }
        all.forEach(Registration::pollerClosed);
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        boolean interrupted = false;
        while (true) {
            try {
                latch.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String toString() {
        return "callback poller on " + loop;
    }
}
