package io.netpark.blocking;

import io.netpark.core.net.listening.ListenerDescriptor;
import io.netpark.core.net.serving.rules.AcceptPolicy;
import io.netpark.core.net.serving.rules.Ending;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.Due;
import java.io.InterruptedIOException;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One call of {@link BlockingListener#serve}. */
final class Serving {

    /** Between two looks at an executor that may have ended without running what it has taken. */
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final Accepting accepting;
    private final ListenerDescriptor core;
    private final Handlers handlers;
    private final Executor executor;
    private final BlockingHandler handler;
    private final Failures failures;

    Serving(Accepting accepting, Handlers handlers, Executor executor, BlockingHandler handler,
            @Nullable BlockingFailureHandler onFailure) {
        this.accepting = accepting;
        this.core = accepting.core;
        this.handlers = handlers;
        this.executor = Objects.requireNonNull(executor, "executor");
        this.handler = Objects.requireNonNull(handler, "handler");
        this.failures = new Failures(onFailure);
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

    /** Returns when the listener is closed. */
    private void acceptAll() throws InterruptedException, InterruptedIOException {
        AcceptPolicy<ConnectionDescriptor> policy = new AcceptPolicy<>(core);
        while (true) {
            ConnectionDescriptor accepted;
            try {
                accepted = accepting.next(Due.FOREVER);
            } catch (InterruptedIOException e) {
                throw e;
            } catch (Throwable e) {
                long pause = policy.failed(e);
                if (pause == AcceptPolicy.ENDED) {
                    return;
                }
                policy.report(e);
                if (!core.loop().clock().awaits(pause, () -> false)) {
                    TimeUnit.NANOSECONDS.sleep(pause);
                }
                continue;
            }
            policy.pass(accepted, this::start);
        }
    }

    private void start(ConnectionDescriptor accepted) {
        Handling handling = new Handling(handlers, new BlockingConnection(accepted), handler, failures);
        if (handlers.add(handling)) {
            handling.start(executor);
        } else {
            accepted.close(); // the listener has come to its end meanwhile
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
        handlers.cutOff("as the thread that served was interrupted");
        try {
            handlers.awaitLeft(Ending.NANOS_TO_LEAVE);
        } catch (InterruptedException e) {
            // The caller is told of an interrupt in any case.
        }
    }
}
