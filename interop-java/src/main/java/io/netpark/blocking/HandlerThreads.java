package io.netpark.blocking;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** A thread for each handler: a virtual one from JDK 21 on, else a daemon thread of the platform. */
final class HandlerThreads implements Executor {

    static final HandlerThreads SHARED = new HandlerThreads();

    /** {@code Thread.startVirtualThread}: this library is compiled for JDK 17. */
    private static final @Nullable Method START_VIRTUAL = startVirtual();

    private final AtomicLong started = new AtomicLong();

    private HandlerThreads() {}

    private static @Nullable Method startVirtual() {
        if (Runtime.version().feature() < 21) {
            return null; // 19 and 20 have it as a preview
        }
        try {
            return Thread.class.getMethod("startVirtualThread", Runnable.class);
        } catch (NoSuchMethodException e) {
            return null;
        }
    }

    @Override
    public void execute(Runnable handler) {
        if (START_VIRTUAL == null) {
            Thread thread = new Thread(handler, "netpark-handler-" + started.incrementAndGet());
            thread.setDaemon(true);
            thread.start();
            return;
        }
        try {
            START_VIRTUAL.invoke(null, handler);
        } catch (InvocationTargetException e) {
            throw new IllegalStateException("a virtual thread could not be started", e.getCause());
        } catch (IllegalAccessException e) {
            throw new IllegalStateException("virtual threads cannot be started", e);
        }
    }
}
