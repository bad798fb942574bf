package io.netpark.core.blockhound;

import io.netpark.core.loop.EventLoop;
import reactor.blockhound.BlockHound;
import reactor.blockhound.integration.BlockHoundIntegration;

/**
 * Tells BlockHound that threads of event loops must not block. Found by its service loader where the application brings
 * BlockHound; nothing else here knows of it. Waiting in the kernel is the loop's own affair and is not seen by BlockHound.
 */
public final class EventLoopIntegration implements BlockHoundIntegration {

    /** For the service loader. */
    public EventLoopIntegration() {}

    @Override
    public void applyTo(BlockHound.Builder builder) {
        builder.nonBlockingThreadPredicate(others -> others.or(EventLoop::isLoopThread));
        // What a loop itself may wait for: a logger's file, a poller that fails, classes and natives that are loaded.
        builder.allowBlockingCallsInside(EventLoop.class.getName(), "report");
        builder.allowBlockingCallsInside(EventLoop.class.getName(), "pauseAfterFailure");
        builder.allowBlockingCallsInside("java.lang.ClassLoader", "loadClass");
        builder.allowBlockingCallsInside("com.sun.jna.Native", "register");
    }
}
