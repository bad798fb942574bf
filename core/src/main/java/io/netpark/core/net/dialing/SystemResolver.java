package io.netpark.core.net.dialing;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The resolver that asks the JDK. The JDK asks getaddrinfo(3), which blocks, for half a minute if a name server does not answer. So
 * each name has a thread of its own, a daemon that goes when there is nothing to do, and a name that hangs holds up no other:
 *
 * <ul>
 *   <li>A name is looked up once at a time, however many dials ask for it: all that ask meanwhile get the same answer, or failure.
 *   <li>At most {@value #MOST_WANTED} names that are waited for are looked up at a time. More names wait in a queue, and leave it when
 *       they are not waited for any more.
 *   <li>A look-up cannot be ended. A look-up that is not waited for any more goes on alone, and is not counted among those 128. Of all
 *       together there are at most {@value #MOST}. If the name is asked for again meanwhile, the same look-up answers.
 * </ul>
 *
 * <p>The JDK's order has IPv4 first unless it is told otherwise ({@code -Djava.net.preferIPv6Addresses}); here it is IPv6,
 * as RFC 6724 and RFC 8305 have it, unless that property says {@code false}.
 */
final class SystemResolver implements Resolver {

    /** What is asked; blocks. */
    @FunctionalInterface
    interface Question {
        InetAddress[] ask(String host) throws UnknownHostException;
    }

    static final int MOST_WANTED = 128;
    static final int MOST = 512;
    private static final Duration IDLE = Duration.ofSeconds(2);
    private static final AtomicInteger THREADS = new AtomicInteger();

    private final Question question;
    /** Unlimited by itself: what is limited is how many look-ups there are. */
    private final ThreadPoolExecutor threads;

    /** The look-ups that wait or are being made, by name. Guarded by itself, as are the fields below. */
    private final Map<String, LookUp> lookUps = new HashMap<>();
    private final Set<LookUp> queue = new LinkedHashSet<>();
    private int running;
    /** How many of those running are not waited for. */
    private int abandoned;

    SystemResolver() {
        this(InetAddress::getAllByName, IDLE);
    }

    /** @param idle how long a thread that has nothing to do stays for the next name */
    SystemResolver(Question question, Duration idle) {
        this.question = question;
        threads = new ThreadPoolExecutor(0, Integer.MAX_VALUE, idle.toNanos(), TimeUnit.NANOSECONDS, new SynchronousQueue<>(), task -> {
            Thread thread = new Thread(task, "netpark-resolver-" + THREADS.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
    }

    /** One name. Its state is guarded by {@link #lookUps}. */
    private final class LookUp implements Runnable {
        private final String host;
        private final Queue<CompletableFuture<List<InetAddress>>> waiting = new ArrayDeque<>();
        private boolean isRunning;

        LookUp(String host) {
            this.host = host;
        }

        @Override
        public void run() {
            for (LookUp next = this; next != null; next = ended(next)) {
                next.make();
            }
        }

        private void make() {
            List<InetAddress> found = null;
            Throwable failure = null;
            try {
                found = sorted(question.ask(host));
            } catch (Throwable e) {
                failure = e;
            }
            tell(found, failure);
        }

        /** Completes the futures that wait, without the lock: what is chained to them runs in this call. */
        private void tell(@Nullable List<InetAddress> found, @Nullable Throwable failure) {
            over(this);
            for (CompletableFuture<List<InetAddress>> one; (one = nextOf(this)) != null; ) {
                try {
                    if (found != null) {
                        one.complete(new ArrayList<>(found));
                    } else {
                        one.completeExceptionally(failure);
                    }
                } catch (Throwable e) {
                    one.cancel(false); // no memory for more; the others are told all the same
                }
            }
        }
    }

    @Override
    public CompletableFuture<List<InetAddress>> resolve(String host) {
        CompletableFuture<List<InetAddress>> addresses = new CompletableFuture<>();
        LookUp next = null;
        synchronized (lookUps) {
            LookUp lookUp = lookUps.computeIfAbsent(host, LookUp::new);
            boolean unwanted = lookUp.waiting.isEmpty();
            lookUp.waiting.add(addresses);
            if (!lookUp.isRunning) {
                queue.add(lookUp);
                next = startsFirst() ? first() : null;
            } else if (unwanted) {
                abandoned--;
            }
        }
        start(next);
        addresses.whenComplete((found, failure) -> leave(host, addresses)); // cancelled, or told, after which it is not there
        return addresses;
    }

    private void start(@Nullable LookUp lookUp) {
        for (LookUp next = lookUp; next != null; next = ended(next)) {
            try {
                threads.execute(next);
                return;
            } catch (Throwable e) { // no memory for a thread
                next.tell(null, e);
            }
        }
    }

    /** Whether there is a next one, and it may be made. */
    private boolean startsFirst() {
        return !queue.isEmpty() && running < MOST && running - abandoned < MOST_WANTED;
    }

    /** It takes its place, and is to be given a thread. */
    private LookUp first() {
        LookUp first = queue.iterator().next();
        queue.remove(first);
        first.isRunning = true;
        running++;
        return first;
    }

    /** A look-up has its answer: a question from now on makes another. */
    private void over(LookUp lookUp) {
        synchronized (lookUps) {
            lookUps.remove(lookUp.host, lookUp);
            abandoned -= lookUp.waiting.isEmpty() ? 1 : 0;
        }
    }

    private @Nullable CompletableFuture<List<InetAddress>> nextOf(LookUp lookUp) {
        synchronized (lookUps) {
            return lookUp.waiting.poll();
        }
    }

    /** A look-up has left its thread. Returns the look-up that is to have the thread now, or null. */
    private @Nullable LookUp ended(LookUp lookUp) {
        synchronized (lookUps) {
            running--;
            return startsFirst() ? first() : null;
        }
    }

    /** A future is not waited for any more. */
    private void leave(String host, CompletableFuture<List<InetAddress>> addresses) {
        LookUp next;
        synchronized (lookUps) {
            LookUp lookUp = lookUps.get(host);
            if (lookUp == null || !lookUp.waiting.remove(addresses) || !lookUp.waiting.isEmpty()) {
                return;
            }
            if (lookUp.isRunning) {
                abandoned++;
            } else {
                queue.remove(lookUp);
                lookUps.remove(host);
            }
            next = startsFirst() ? first() : null; // it does not count from now on
        }
        start(next);
    }

    private static List<InetAddress> sorted(InetAddress[] found) {
        List<InetAddress> addresses = new ArrayList<>(List.of(found));
        if (!"false".equals(System.getProperty("java.net.preferIPv6Addresses"))) {
            addresses.sort(Comparator.comparing(address -> !(address instanceof Inet6Address))); // stable
        }
        return addresses;
    }
}
