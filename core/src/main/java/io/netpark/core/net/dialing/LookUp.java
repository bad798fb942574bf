package io.netpark.core.net.dialing;

import io.netpark.core.counting.Counters;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Observer;
import io.netpark.core.net.address.Literal;
import io.netpark.core.sys.NetparkException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * Finds the addresses of a {@link Dial}'s host: a literal is read, anything else is asked of the {@link Resolver}. On the dial's loop,
 * wherever the resolver answers.
 */
final class LookUp {

    private final Dial dial;
    private final Resolver resolver;
    private final EventLoop loop;
    private final String host;
    private @Nullable CompletableFuture<List<InetAddress>> asked;
    /** When that was. */
    private long askedNanos;

    LookUp(Dial dial, Resolver resolver, EventLoop loop, String host) {
        this.dial = dial;
        this.resolver = resolver;
        this.loop = loop;
        this.host = host;
    }

    void start() {
        try {
            InetAddress literal = Literal.parse(host);
            if (literal != null) {
                dial.found(List.of(literal));
            } else if (Literal.hasPort(host)) {
                dial.fail(new NetparkException.UnknownHost("connect to " + host + ": " + Literal.separately(host)));
            } else {
                ask();
            }
        } catch (Throwable e) { // the text of the literal, or a user's resolver
            dial.notFound(e);
        }
    }

    private void ask() {
        if (isWatched()) {
            askedNanos = loop.clock().nanoTime();
        }
        CompletableFuture<List<InetAddress>> answer = resolver.resolve(host);
        asked = answer;
        answer.whenComplete((found, failure) -> {
            if (loop.inLoop()) {
                answered(found, failure);
            } else {
                loop.tryWake(() -> answered(found, failure));
            }
        });
    }

    private void answered(@Nullable List<InetAddress> found, @Nullable Throwable failure) {
        asked = null;
        if (!dial.isOpen()) {
            return;
        }
        try {
            use(found, failure);
        } catch (Throwable e) { // a list that is none
            dial.notFound(e);
        }
    }

    private void use(@Nullable List<InetAddress> found, @Nullable Throwable failure) {
        if (failure == null && found != null && !found.isEmpty()) {
            tell(null);
            dial.found(found);
            return;
        }
        Throwable why = failure == null ? new UnknownHostException("the resolver knows no address")
                : failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        tell(why);
        dial.notFound(why);
    }

    /** Whether anybody wants to know how long it takes. */
    private boolean isWatched() {
        return loop.counters() != null || loop.observer() != null;
    }

    private void tell(@Nullable Throwable failure) {
        if (!isWatched()) {
            return;
        }
        long nanos = loop.clock().nanoTime() - askedNanos;
        Counters counters = loop.counters();
        if (counters != null) {
            counters.lookedUp(nanos);
        }
        Observer observer = loop.observer();
        if (observer != null) {
            loop.tell(() -> observer.resolved(loop, host, Duration.ofNanos(nanos), failure));
        }
    }

    /** Whether the resolver has not answered yet. */
    boolean isWaiting() {
        return asked != null;
    }

    /** Nobody wants the answer any more. */
    void cancel() {
        if (asked != null) {
            asked.cancel(true);
        }
    }
}
