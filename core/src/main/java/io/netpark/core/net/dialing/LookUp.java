package io.netpark.core.net.dialing;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.address.Literal;
import io.netpark.core.sys.NetparkException;
import java.net.InetAddress;
import java.net.UnknownHostException;
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
        if (failure != null) {
            dial.notFound(failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure);
        } else if (found == null || found.isEmpty()) {
            dial.notFound(new UnknownHostException("the resolver knows no address"));
        } else {
            dial.found(found);
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
