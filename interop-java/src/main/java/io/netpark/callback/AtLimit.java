package io.netpark.callback;

/** What happens to a connection whose callback leaves as many bytes unread as the input limit allows. */
public enum AtLimit {

    /** It is not read until the callback takes some: for a callback that leaves bytes on purpose, and asks again. */
    WAIT,

    /** It is closed, with an exception that names the limit: the peer sends a message that is too long. */
    CLOSE
}
