//! How messages are read from the wire: as tonic reads them, once their depth was looked at.

use std::marker::PhantomData;

use prost::{Message, Name};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder};
use tonic_prost::ProstCodec;

use crate::proto::{self, Unreadable};

/// Writes with [`ProstCodec`], reads with [`proto::read`].
#[derive(Debug, Clone)]
pub struct Checked<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Checked<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for Checked<T, U>
where
    T: Message + Send + 'static,
    U: Message + Name + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = <ProstCodec<T, U> as Codec>::Encoder;
    type Decoder = Read<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::default().encoder()
    }

    fn decoder(&mut self) -> Self::Decoder {
        Read(PhantomData)
    }
}

/// Reads messages.
#[derive(Debug)]
pub struct Read<U>(PhantomData<U>);

impl<U: Message + Name + Default> Decoder for Read<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        use prost::bytes::Buf;
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        proto::read(&bytes).map(Some).map_err(|error| match error {
            Unreadable::TooDeep => Status::invalid_argument(format!("the request cannot be read: {error}")),
            Unreadable::Damaged(error) => Status::internal(error.to_string()),
        })
    }
}
