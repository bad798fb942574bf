package io.netpark.core.blockhound;

import io.netpark.core.loop.EventLoop;
import reactor.blockhound.BlockHound;
import reactor.blockhound.integration.BlockHoundIntegration;

/**
 * Tells BlockHound that threads of event loops must not block. On the class path BlockHound finds it by a service loader. On the
 * module path the application hands it over, by {@code BlockHound.install(new EventLoopIntegration())}: before JDK 21 no module could
 * provide a service that may be missing. Nothing else here knows of BlockHound, which does not see a loop waiting in the kernel.
 */
public final class EventLoopIntegration implements BlockHoundIntegration {

    /** The package of the parts of a loop, which are not public. */
    private static final String LOOP = "io.netpark.core.loop.";
    /** Nor is this. A thread pool of the user's is not exempt: what it does in the thread that calls it is its own affair. */
    private static final String TASK_THREADS = "io.netpark.core.tls.TaskThreads";

    /** For the service loader. */
    public EventLoopIntegration() {}

    @Override
    public void applyTo(BlockHound.Builder builder) {
        builder.nonBlockingThreadPredicate(others -> others.or(EventLoop::isLoopThread));
        // What a loop itself may wait for: a logger's file, a poller that fails, classes and natives that are loaded.
        builder.allowBlockingCallsInside(LOOP + "Reports", "report");
        builder.allowBlockingCallsInside(LOOP + "TurnFailures", "pause");
        builder.allowBlockingCallsInside("java.lang.ClassLoader", "loadClass");
        builder.allowBlockingCallsInside("com.sun.jna.Native", "register");
        // What engines of TLS do on a loop: the numbers that the JDK draws come from /dev/urandom, which is a file, and never waits.
        builder.allowBlockingCallsInside("sun.security.provider.NativePRNG", "engineNextBytes");
        // And a task of theirs is handed to the threads that are for that: their queue has a lock, which is held for a few instructions.
        builder.allowBlockingCallsInside(TASK_THREADS, "execute");
    }
}
