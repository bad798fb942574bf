package io.netpark.blocking;

import io.netpark.core.net.listening.ListenerDescriptor;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.io.InterruptedIOException;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One call of {@link BlockingListener#serve}. */
final class Serving {

    /** After an error that says nothing about when it will be over. */
    private static final long FIRST_PAUSE_MILLIS = 5;
    private static final long LAST_PAUSE_MILLIS = 1000;

    /** Between two looks at an executor that may have ended without running what it has taken. */
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final BlockingListener listener;
    private final ListenerDescriptor core;
    private final Handlers handlers;
    private final Executor executor;
    private final BlockingHandler handler;
    private final @Nullable BlockingFailureHandler onFailure;

    Serving(BlockingListener listener, ListenerDescriptor core, Handlers handlers, Executor executor, BlockingHandler handler,
            @Nullable BlockingFailureHandler onFailure) {
        this.listener = listener;
        this.core = core;
        this.handlers = handlers;
        this.executor = Objects.requireNonNull(executor, "executor");
        this.handler = Objects.requireNonNull(handler, "handler");
        this.onFailure = onFailure;
    }

    void run() throws InterruptedIOException {
        try {
            acceptAll();
            awaitHandlers();
        } catch (InterruptedException | InterruptedIOException e) {
            Thread.interrupted(); // for the wait that follows
            cutOff();
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while it served " + core);
        }
    }

    private void acceptAll() throws InterruptedException, InterruptedIOException {
        long pause = 0;
        while (true) {
            BlockingConnection accepted;
            try {
                accepted = listener.accept();
                pause = 0;
            } catch (InterruptedIOException e) {
                throw e;
            } catch (Throwable e) { // a balancing that throws, say
                if (core.isClosed()) {
                    if (!(e instanceof NetparkException.Closed)) { // another holder of the socket has shut it down
                        core.loop().report("Accepting on " + AddressText.of(core.localAddress()) + " has ended", e);
                    }
                    return;
                }
                if (pause == 0) {
                    core.loop().report("Accepting on " + AddressText.of(core.localAddress()) + " failed; trying again", e);
                }
                pause = Math.max(FIRST_PAUSE_MILLIS, Math.min(2 * pause, LAST_PAUSE_MILLIS));
                Thread.sleep(pause);
                continue;
            }
            start(accepted);
        }
    }

    private void start(BlockingConnection accepted) {
        boolean started = false;
        try {
            Handling handling = new Handling(handlers, accepted, handler, onFailure);
            started = handlers.add(handling);
            if (started) {
                handling.start(executor);
            }
        } catch (Throwable e) { // OutOfMemoryError, say: one connection less, and not the end of accepting
            core.loop().report(accepted + " was accepted and could not be served; it is closed", e);
        } finally {
            if (!started) { // the listener has come to its end meanwhile
                accepted.close();
            }
        }
    }

    private void awaitHandlers() throws InterruptedException {
        if (executor instanceof ExecutorService service) {
            while (!handlers.awaitLeft(LOOK_NANOS)) {
                if (service.isTerminated()) {
                    handlers.refuseThoseNotBegun(new RejectedExecutionException("the executor has ended before it ran the handler"));
                }
            }
        } else {
            handlers.awaitLeft(Due.FOREVER);
        }
    }

    private void cutOff() {
        core.close();
        handlers.cut();
        try {
            handlers.awaitLeft(Ending.NANOS_TO_LEAVE);
        } catch (InterruptedException e) {
            // Interrupted it is in any case.
        }
    }
}
