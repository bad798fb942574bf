package io.netpark.core.net.serving.rules;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.listening.ListeningSocket;
import io.netpark.core.net.socket.SocketDescriptor;
import io.netpark.core.report.Episode;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.NetparkException;
import java.util.function.Consumer;

/**
 * The rules of an accept loop, which accepts for as long as its listener is open. The loop itself belongs to the API: it knows how to
 * wait.
 *
 * <table>
 *   <caption>What an error of accepting means</caption>
 *   <tr><th>The error</th><th>The loop</th><th>The reporter</th></tr>
 *   <tr><td>{@code Closed}, and the listener or its group is closed</td><td>ends</td><td>is not told</td></tr>
 *   <tr><td>another one, and the listener is closed: another holder has shut the socket down</td><td>ends</td><td>is told</td></tr>
 *   <tr><td>any other: a balancing that throws, say</td><td>pauses, and tries again</td><td>is told once an episode</td></tr>
 * </table>
 *
 * <p>An episode ends when a connection is accepted. A lack of descriptors is no error here: the {@link ListeningSocket} pauses by itself.
 *
 * <p>One object belongs to one loop, and is not thread-safe.
 *
 * @param <T> what is accepted
 */
public final class AcceptPolicy<T extends SocketDescriptor> {

    /** So many accepts in a row; then those that are connected have their turn. */
    public static final int ACCEPTS_A_TURN = 64;

    /** In the place of a pause: the loop ends. */
    public static final long ENDED = -1;

    private final ListeningSocket<T> listener;
    private final Episode trouble = new Episode();
    /** The last error began an episode, and has not been reported. */
    private boolean isNews;

    public AcceptPolicy(ListeningSocket<T> listener) {
        this.listener = listener;
    }

    /**
     * Hands a connection over. If that fails, for want of memory say, it costs this connection, and not the loop.
     *
     * @param server owns the connection, unless it throws
     */
    public void pass(T accepted, Consumer<? super T> server) {
        trouble.end();
        try {
            server.accept(accepted);
        } catch (Throwable e) {
            accepted.close();
            listener.loop().report(accepted + " was accepted and could not be served; it is closed", e);
        } finally {
            EventLoop.leaveUserCode(); // its handler or first callback may have run; the next connection is another's
            EventLoop current = EventLoop.current();
            if (current != null) {
                current.setOccupation(null);
            }
        }
    }

    /**
     * Accepting has thrown. Needs no memory, unless the loop ends: the pause can be begun before {@link #report} tells of the error.
     *
     * @return for how many nanoseconds to pause, or {@link #ENDED}
     */
    public long failed(Throwable error) {
        if (error instanceof NetparkException.Closed && (listener.isClosed() || listener.group().isClosed())) {
            return ENDED;
        }
        if (listener.isClosed()) {
            listener.loop().report("Accepting on " + AddressText.of(listener.localAddress()) + " has ended", error);
            return ENDED;
        }
        isNews = trouble.isOver();
        return trouble.next();
    }

    /** Reports the error that the loop pauses for, if it is the first one of its episode. */
    public void report(Throwable error) {
        if (isNews) {
            isNews = false;
            listener.loop().report("Accepting on " + AddressText.of(listener.localAddress()) + " failed; trying again", error);
        }
    }
}
