package io.netpark.callback.delivery;

/** Makes the calls of one connection, and knows when it is time for them; the events are those of {@link Delivery}. */
public interface CallSource {

    /** On the loop: whether it is time for an event that is wanted. It stays wanted if not. Asked for workers only. */
    boolean mayCall(int event);

    /** On the loop: whether there is nothing to call. Then only {@link #after} is. */
    boolean isEmpty(int event);

    /** On the loop, before a worker is called. Throws nothing, as {@link #after} does not. */
    void before(int event);

    /** On a worker, or on the loop if there is none. Throws nothing. */
    void call(int event);

    /** On the loop, after the call, unless the connection has ended meanwhile. */
    void after(int event);

    /** On the worker, before a call that has waited for room. Throws nothing. */
    void begins(int event);

    /** On the loop: what becomes of a call that no worker has room for. */
    Refusal refused() throws Exception;

    /** On the loop, instead of the call, which nobody has taken. */
    void rejected(int event);

    /** On the loop, instead of the call: whoever should have decided what becomes of it threw, and it is rejected. */
    void failed(String because, Throwable thrown);
}
