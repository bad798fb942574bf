package io.netpark.core.net;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Asks the JDK, which asks getaddrinfo(3), which blocks: on threads of its own, a bounded number, that go when there is
 * nothing to do. A look-up that is cancelled before its turn is not made; one that is being made goes on alone.
 *
 * <p>The JDK's order has IPv4 first unless it is told otherwise ({@code -Djava.net.preferIPv6Addresses}); here it is IPv6,
 * as RFC 6724 and RFC 8305 have it, unless that property says {@code false}.
 */
final class SystemResolver implements Resolver {

    private static final int MOST_THREADS = 16;
    private static final long IDLE_SECONDS = 2;
    private static final AtomicInteger THREADS = new AtomicInteger();

    private final ThreadPoolExecutor threads;

    SystemResolver() {
        threads = new ThreadPoolExecutor(MOST_THREADS, MOST_THREADS, IDLE_SECONDS, TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(task, "netpark-resolver-" + THREADS.incrementAndGet());
                    thread.setDaemon(true);
                    return thread;
                });
        threads.allowCoreThreadTimeOut(true);
    }

    @Override
    public CompletableFuture<List<InetAddress>> resolve(String host) {
        CompletableFuture<List<InetAddress>> addresses = new CompletableFuture<>();
        threads.execute(() -> {
            if (addresses.isDone()) {
                return;
            }
            try {
                addresses.complete(sorted(InetAddress.getAllByName(host)));
            } catch (Throwable e) {
                addresses.completeExceptionally(e);
            }
        });
        return addresses;
    }

    private static List<InetAddress> sorted(InetAddress[] found) {
        List<InetAddress> addresses = new ArrayList<>(List.of(found));
        if (!"false".equals(System.getProperty("java.net.preferIPv6Addresses"))) {
            addresses.sort(Comparator.comparing(address -> !(address instanceof Inet6Address))); // stable
        }
        return addresses;
    }
}
