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
    }
}
